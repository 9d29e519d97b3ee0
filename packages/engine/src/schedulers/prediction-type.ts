import type { Fields } from "../folder/fields.ts";
import type { PredictionType } from "./scheduler.ts";

/** What the network predicts: the noise (default), the velocity of Salimans and Ho (2022), or the finished latent. */
export function predictionType(config: Fields): PredictionType {
  const type = config.string("prediction_type", "epsilon");
  if (type === "epsilon" || type === "v_prediction" || type === "sample") return type;
  throw config.fail(`"prediction_type" ${type} is not supported; use epsilon, v_prediction or sample`);
}
