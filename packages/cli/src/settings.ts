export type Value = string | number | boolean;

/** A failed check gives what was expected; that is what the message says. */
export class Expected extends Error {}

const expected = (what: string): never => {
  throw new Expected(what);
};

const text = (value: Value) => (typeof value === "string" && value !== "" ? value : expected("a text"));
const url = (value: Value) =>
  typeof value === "string" && /^https?:\/\//.test(value) && URL.canParse(value)
    ? value
    : expected("an http or https URL");
const whole =
  (min: number, max: number) =>
  (value: Value): number => {
    const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
    if (typeof number === "number" && Number.isInteger(number) && number >= min && number <= max) return number;
    return expected(`a whole number from ${min} to ${max}`);
  };
const one =
  <T extends string>(...values: readonly T[]) =>
  (value: Value): T =>
    values.find((v) => v === value) ?? expected(`one of ${values.join(", ")}`);

/** Every setting: its name in the file is the key, a flag is `--` with hyphens, the environment `ATOMA_` in capitals. */
export const SETTINGS = {
  host: { check: text, fallback: "127.0.0.1", help: "address to listen on" },
  port: { check: whole(0, 65_535), fallback: 8080, help: "port to listen on; 0 takes any free one" },
  data: { check: text, fallback: ".data", help: "folder for the ledger, keys and pictures" },
  database_url: { check: text, fallback: undefined, help: "postgres://…; default: SQLite in the data folder" },
  public_url: { check: url, fallback: undefined, help: "origin of picture URLs, behind a proxy" },
  admin_key: { check: text, fallback: undefined, help: "key of the admin API under /admin/v1" },
  default_model: { check: text, fallback: undefined, help: "model of requests that name none" },
  unknown_fields: {
    check: one("reject", "ignore", "forward"),
    fallback: "reject" as const,
    help: "request fields nobody knows: reject, ignore or forward",
  },
  response_format: {
    check: one("both", "url", "b64_json"),
    fallback: "both" as const,
    help: "what answers carry where neither request nor key says: both, url or b64_json",
  },
  keep_alive_s: { check: whole(1, 3600), fallback: 65, help: "how long an idle connection stays open" },
  max_body_bytes: { check: whole(1024, 2 ** 26), fallback: 262_144, help: "largest request body" },
  body_timeout_s: { check: whole(1, 3600), fallback: 15, help: "how long a request body may take" },
  max_edit_body_bytes: { check: whole(1024, 2 ** 28), fallback: 67_108_864, help: "largest body of an image edit" },
  edit_body_timeout_s: { check: whole(1, 3600), fallback: 60, help: "how long the body of an image edit may take" },
  generation_timeout_s: { check: whole(1, 86_400), fallback: 600, help: "how long a generation may take" },
  job_timeout_s: { check: whole(1, 86_400), fallback: 3600, help: "how long an asynchronous generation may take" },
  max_queued_jobs: { check: whole(1, 100_000), fallback: 100, help: "asynchronous generations that wait, per account" },
  max_running_jobs: { check: whole(1, 1000), fallback: 8, help: "asynchronous generations that this gateway runs" },
  webhook_targets: {
    check: one("public", "any"),
    fallback: "public" as const,
    help: "where webhooks may go: public (https, public addresses) or any",
  },
  file_ttl_hours: { check: whole(25, 8760), fallback: 25, help: "how long picture URLs are good" },
  s3_bucket: { check: text, fallback: undefined, help: "bucket for pictures, instead of the data folder" },
  s3_endpoint: { check: url, fallback: undefined, help: "origin of a store other than Amazon's" },
  s3_region: { check: text, fallback: undefined, help: "region of the bucket" },
  s3_prefix: { check: text, fallback: "atoma/", help: "what the names of pictures in the bucket begin with" },
  s3_addressing: {
    check: one("path", "host"),
    fallback: undefined,
    help: "bucket in the path (with an endpoint) or in the host name",
  },
  s3_access_key_id: { check: text, fallback: undefined, help: "default: where AWS tools look for credentials" },
  s3_secret_access_key: { check: text, fallback: undefined, help: "belongs to s3_access_key_id" },
  drain_s: { check: whole(0, 3600), fallback: 30, help: "how long SIGTERM waits for what runs" },
  node_token: { check: text, fallback: undefined, help: "bearer token that the node asks for" },
  node_auth: {
    check: one("required", "none"),
    fallback: "required" as const,
    help: "none: a node beyond this machine serves anybody, without a token or client certificates",
  },
  node_tls_cert: { check: text, fallback: undefined, help: "certificate of the node, which then serves https" },
  node_tls_key: { check: text, fallback: undefined, help: "its private key" },
  node_tls_client_ca: {
    check: text,
    fallback: undefined,
    help: "who signs the certificates that the node's clients need",
  },
  join: { check: url, fallback: undefined, help: "a gateway that the node tells that it is there" },
  join_token: { check: text, fallback: undefined, help: "the node's credential there, of `atoma nodes expect`" },
  advertise_url: { check: url, fallback: undefined, help: "where gateways reach the node; default: where it listens" },
  queue_max: { check: whole(0, 100_000), fallback: 1000, help: "requests that may wait in the gateway for a node" },
  queue_timeout_s: { check: whole(0, 86_400), fallback: 60, help: "how long a request may wait there" },
  picture_memory_bytes: {
    check: whole(2 ** 20, 2 ** 36),
    fallback: 33_554_432,
    help: "memory for pictures on their way to clients, together",
  },
  slow_reader_s: { check: whole(1, 3600), fallback: 30, help: "how long a client may take nothing of its answer" },
  least_bytes_per_second: {
    check: whole(0, 2 ** 30),
    fallback: 4096,
    help: "what a client must take of its answer",
  },
  node_max_queue: { check: whole(1, 10_000), fallback: 64, help: "requests that may wait in the node" },
  picture_metadata: {
    check: one("provenance", "prompt", "none"),
    fallback: "provenance" as const,
    help: "what a picture's file says: that a model made it and how, the prompt too, or nothing",
  },
  node_threads: { check: whole(1, 256), fallback: 2, help: "threads of each model process" },
  node_concurrency: { check: whole(1, 64), fallback: 8, help: "requests that a model makes at a time" },
  node_provider: {
    check: one("auto", "cuda", "coreml", "dml", "webgpu", "cpu", "wasm"),
    fallback: "auto" as const,
    help: "what networks run on: auto (the best that loads), cuda, coreml, dml, webgpu, cpu or wasm",
  },
  node_noise: {
    check: one("cpu", "gpu"),
    fallback: "cpu" as const,
    help: "whose sequence a seed stands for: cpu (torch's) or gpu (that of a large GPU)",
  },
  node_unload_s: {
    check: whole(0, 86_400),
    fallback: 0,
    help: "after how long without a request a model is unloaded; 0: never",
  },
  log_level: {
    check: one("trace", "debug", "info", "warn", "error", "silent"),
    fallback: "info" as const,
    help: "least level that is logged",
  },
};

export type SettingName = keyof typeof SETTINGS;
type Read<K extends SettingName> = ReturnType<(typeof SETTINGS)[K]["check"]> | (typeof SETTINGS)[K]["fallback"];
export type Settings = { readonly [K in SettingName]: Read<K> };

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

/** `--port`, `--max-body-bytes`. */
export const flagOf = (name: string): string => name.replaceAll("_", "-");

/** The line of a setting in a help page, with its default. */
export function settingLine(name: SettingName): string {
  const { fallback, help } = SETTINGS[name];
  return `  --${flagOf(name).padEnd(22)} ${help}${fallback === undefined ? "" : ` (${fallback})`}`;
}
