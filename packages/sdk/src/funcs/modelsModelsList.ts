import { modelsList } from "./modelsList.ts";

/** @deprecated Renamed to `modelsList`. */
export const modelsModelsList = modelsList;
