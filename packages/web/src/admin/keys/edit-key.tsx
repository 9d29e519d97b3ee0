import { useState } from "react";
import { useTexts } from "../../shared/i18n/language.tsx";
import { change, type Key } from "../admin-api.ts";
import { FormDialog } from "../parts/form-dialog.tsx";
import { keyTexts } from "../texts.ts";
import { draftOf, KeyFields, rightsOf } from "./key-fields.tsx";

export interface EditKeyProps {
  readonly item: Key;
  readonly onChanged: () => void;
  readonly onClose: () => void;
}

/** Changes a key's name and rights; in force everywhere within a second. */
export function EditKey({ item, onChanged, onClose }: EditKeyProps) {
  const t = useTexts(keyTexts);
  const [draft, setDraft] = useState(() => draftOf(item));
  const save = () => change("PATCH", `/keys/${item.id}`, rightsOf(draft)).then(onChanged);
  return (
    <FormDialog title={item.name} action={t.save} onSubmit={save} onClose={onClose}>
      <KeyFields draft={draft} onDraft={setDraft} />
    </FormDialog>
  );
}
