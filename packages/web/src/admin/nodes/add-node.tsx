import { useState } from "react";
import { Segmented, TextField } from "../../shared/components/field.tsx";
import { useTexts } from "../../shared/i18n/language.tsx";
import { change } from "../admin-api.ts";
import { FormDialog } from "../parts/form-dialog.tsx";
import { SecretDialog } from "../parts/secret-dialog.tsx";
import { nodeTexts } from "../texts.ts";

/** Adds a node of our own: one at an address, or one that will join with a credential that is shown once. */
export function AddNode({ onAdded, onClose }: { readonly onAdded: () => void; readonly onClose: () => void }) {
  const t = useTexts(nodeTexts);
  const [how, setHow] = useState<"address" | "joins">("address");
  const [name, setName] = useState("");
  const [url, setUrl] = useState("");
  const [token, setToken] = useState("");
  const [joinToken, setJoinToken] = useState<string>();
  if (joinToken !== undefined) {
    return <SecretDialog title={t.joinTitle(name)} help={t.joinHelp} secret={joinToken} onClose={onClose} />;
  }
  const add = async () => {
    const node = how === "joins" ? { name, joins: true } : { name, url, ...(token !== "" && { token }) };
    const added = await change<{ join_token?: string }>("POST", "/nodes", node);
    onAdded();
    return added.join_token;
  };
  // A joining node's credential takes the place of this dialog, so that closing is for the other kind only.
  const submit = async () => {
    const secret = await add();
    if (secret !== undefined) setJoinToken(secret);
    else onClose();
  };
  return (
    <FormDialog title={t.add} action={t.add} onSubmit={submit} onDone={() => {}} onClose={onClose}>
      <Segmented
        label={t.how}
        value={how}
        options={[
          { value: "address", label: t.byAddress },
          { value: "joins", label: t.byJoining },
        ]}
        onValue={setHow}
      />
      <TextField label={t.name} required value={name} onChange={(event) => setName(event.currentTarget.value)} />
      {how === "address" && (
        <>
          <TextField
            label={t.url}
            hint={t.urlHelp}
            required
            type="url"
            placeholder="http://10.0.0.5:8090"
            value={url}
            onChange={(event) => setUrl(event.currentTarget.value)}
          />
          <TextField
            label={t.token}
            hint={t.tokenHelp}
            type="password"
            autoComplete="off"
            value={token}
            onChange={(event) => setToken(event.currentTarget.value)}
          />
        </>
      )}
    </FormDialog>
  );
}
