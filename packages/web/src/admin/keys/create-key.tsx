import { useState } from "react";
import { Select } from "../../shared/components/field.tsx";
import { useTexts } from "../../shared/i18n/language.tsx";
import { type Account, type CreatedKey, change } from "../admin-api.ts";
import { FormDialog } from "../parts/form-dialog.tsx";
import { SecretDialog } from "../parts/secret-dialog.tsx";
import { keyTexts } from "../texts.ts";
import { EMPTY, KeyFields, rightsOf } from "./key-fields.tsx";

export interface CreateKeyProps {
  readonly accounts: readonly Account[];
  readonly onCreated: () => void;
  readonly onClose: () => void;
}

/** Makes a key and shows it, once. */
export function CreateKey({ accounts, onCreated, onClose }: CreateKeyProps) {
  const t = useTexts(keyTexts);
  const [draft, setDraft] = useState(EMPTY);
  const [accountId, setAccountId] = useState(accounts[0]?.id ?? "");
  const [created, setCreated] = useState<CreatedKey>();
  if (created) {
    return (
      <SecretDialog title={t.createdKey(created.name)} help={t.shownOnce} secret={created.key} onClose={onClose} />
    );
  }
  const create = async () => {
    setCreated(await change<CreatedKey>("POST", "/keys", { account_id: accountId, ...rightsOf(draft) }));
    onCreated();
  };
  return (
    <FormDialog title={t.create} action={t.create} onSubmit={create} onDone={() => {}} onClose={onClose}>
      <Select label={t.account} value={accountId} onChange={(event) => setAccountId(event.currentTarget.value)}>
        {accounts.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </Select>
      <KeyFields draft={draft} onDraft={setDraft} />
    </FormDialog>
  );
}
