import { BookOpen } from "lucide-react";
import { TopBar } from "../shared/components/top-bar.tsx";
import { useTexts } from "../shared/i18n/language.tsx";
import styles from "./app.module.css";
import { adminTexts } from "./texts.ts";

export function App() {
  const t = useTexts(adminTexts);
  return (
    <>
      <TopBar />
      <main id="content" className={styles.content}>
        <h1>{t.title}</h1>
        <p>{t.help}</p>
        <p>
          <a href="/admin/v1/docs">
            <BookOpen aria-hidden /> {t.docs}
          </a>
        </p>
      </main>
    </>
  );
}
