export type { NodePublicAddressAssignment } from "./nodes.ts";
