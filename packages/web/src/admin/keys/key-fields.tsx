import { TextField } from "../../shared/components/field.tsx";
import { useTexts } from "../../shared/i18n/language.tsx";
import type { Key } from "../admin-api.ts";
import { keyTexts } from "../texts.ts";

/** A key's name and rights as they are typed. */
export interface KeyDraft {
  readonly name: string;
  readonly models: string;
  readonly requests: string;
  readonly images: string;
  readonly concurrent: string;
}

const shown = (limit: number | null) => (limit === null ? "" : String(limit));
const limitOf = (typed: string) => (typed === "" ? null : Number(typed));

export const EMPTY: KeyDraft = { name: "", models: "", requests: "", images: "", concurrent: "" };

export const draftOf = (key: Key): KeyDraft => ({
  name: key.name,
  models: (key.allowed_models ?? []).join(", "),
  requests: shown(key.requests_per_minute),
  images: shown(key.images_per_minute),
  concurrent: shown(key.concurrent_requests),
});

/** The draft as the admin API takes it. No model named: all of them. */
export function rightsOf({ name, models, requests, images, concurrent }: KeyDraft) {
  const named = models
    .split(",")
    .map((model) => model.trim())
    .filter((model) => model !== "");
  return {
    name,
    allowed_models: named.length === 0 ? null : named,
    requests_per_minute: limitOf(requests),
    images_per_minute: limitOf(images),
    concurrent_requests: limitOf(concurrent),
  };
}

export function KeyFields({
  draft,
  onDraft,
}: {
  readonly draft: KeyDraft;
  readonly onDraft: (draft: KeyDraft) => void;
}) {
  const t = useTexts(keyTexts);
  const field = (name: keyof KeyDraft) => ({
    value: draft[name],
    onChange: (event: { currentTarget: { value: string } }) => onDraft({ ...draft, [name]: event.currentTarget.value }),
  });
  const limit = { inputMode: "numeric", pattern: "[1-9][0-9]{0,8}", placeholder: t.noLimit } as const;
  return (
    <>
      <TextField label={t.name} required {...field("name")} />
      <TextField label={t.models} hint={t.modelsHelp} {...field("models")} />
      <TextField label={t.requests} {...limit} {...field("requests")} />
      <TextField label={t.images} {...limit} {...field("images")} />
      <TextField label={t.concurrent} {...limit} {...field("concurrent")} />
    </>
  );
}
