import { Copy } from "lucide-react";
import { useState } from "react";
import { Button } from "../../shared/components/button.tsx";
import { Dialog } from "../../shared/components/dialog.tsx";
import { Segmented } from "../../shared/components/field.tsx";
import { useToast } from "../../shared/components/toasts.tsx";
import { common } from "../../shared/i18n/common.ts";
import { useTexts } from "../../shared/i18n/language.tsx";
import { codeSample, SAMPLE_LANGUAGES, type SampleLanguage } from "../code-samples.ts";
import { pictureTexts } from "../texts.ts";
import styles from "./code-dialog.module.css";
import { fileName, type Picture } from "./picture.ts";

/** Programs that make a picture again. */
export default function CodeDialog({ picture, onClose }: { readonly picture: Picture; readonly onClose: () => void }) {
  const t = useTexts(pictureTexts);
  const c = useTexts(common);
  const toast = useToast();
  const [language, setLanguage] = useState<SampleLanguage>("curl");
  const code = codeSample(language, picture, location.origin, fileName(picture));
  const copy = async () => {
    await navigator.clipboard.writeText(code);
    toast({ text: c.copied });
  };
  return (
    <Dialog title={t.codeTitle} wide onClose={onClose}>
      <div className={styles.code}>
        <Segmented
          label={t.codeLanguage}
          hideLabel
          value={language}
          onValue={setLanguage}
          options={SAMPLE_LANGUAGES.map((value) => ({ value, label: value }))}
        />
        <pre>
          <code>{code}</code>
        </pre>
        <div className={styles.foot}>
          <p>{t.codeKey}</p>
          <Button onClick={copy}>
            <Copy aria-hidden />
            {c.copy}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
