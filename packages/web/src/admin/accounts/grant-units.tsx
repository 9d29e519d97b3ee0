import { useState } from "react";
import { TextField } from "../../shared/components/field.tsx";
import { useTexts } from "../../shared/i18n/language.tsx";
import { type Account, change } from "../admin-api.ts";
import { FormDialog } from "../parts/form-dialog.tsx";
import { accountTexts } from "../texts.ts";

export interface GrantUnitsProps {
  readonly account: Account;
  /** `already`: the reference was granted before, and nothing was added. */
  readonly onGranted: (already: boolean) => void;
  readonly onClose: () => void;
}

/** Adds compute units to an account, once for each reference. */
export function GrantUnits({ account, onGranted, onClose }: GrantUnitsProps) {
  const t = useTexts(accountTexts);
  const [units, setUnits] = useState("");
  const [reference, setReference] = useState("");
  const [memo, setMemo] = useState("");
  const grant = async () => {
    const body = { units: Number(units), reference, ...(memo !== "" && { memo }) };
    const granted = await change<{ already_granted: boolean }>("POST", `/accounts/${account.id}/grants`, body);
    onGranted(granted.already_granted);
  };
  return (
    <FormDialog title={t.grantTo(account.name)} action={t.grant} onSubmit={grant} onClose={onClose}>
      <TextField
        label={t.units}
        hint={t.unitsHelp}
        required
        inputMode="numeric"
        pattern="[1-9][0-9]*"
        value={units}
        onChange={(event) => setUnits(event.currentTarget.value)}
      />
      <TextField
        label={t.reference}
        hint={t.referenceHelp}
        required
        value={reference}
        onChange={(event) => setReference(event.currentTarget.value)}
      />
      <TextField label={t.memo} value={memo} onChange={(event) => setMemo(event.currentTarget.value)} />
    </FormDialog>
  );
}
