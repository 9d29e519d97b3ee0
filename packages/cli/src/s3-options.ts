import type { S3Options } from "@atoma/gateway";
import type { Config } from "./config.ts";
import { UsageError } from "./usage-error.ts";

/** The bucket for pictures, where there is one. Throws UsageError with the name of the setting that lacks another. */
export function s3Options(config: Config): S3Options | undefined {
  const { s3_bucket: bucket, s3_access_key_id: accessKeyId, s3_secret_access_key: secretAccessKey } = config;
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw new UsageError("s3_access_key_id, s3_secret_access_key: expected both or neither");
  }
  if (bucket === undefined) {
    const alone = (["s3_endpoint", "s3_region", "s3_addressing", "s3_access_key_id"] as const).find(
      (key) => config[key],
    );
    if (alone !== undefined) throw new UsageError(`${alone}: expected s3_bucket beside it`);
    return undefined;
  }
  return {
    bucket,
    prefix: config.s3_prefix,
    region: config.s3_region,
    endpoint: config.s3_endpoint,
    addressing: config.s3_addressing,
    credentials:
      accessKeyId === undefined || secretAccessKey === undefined ? undefined : { accessKeyId, secretAccessKey },
  };
}
