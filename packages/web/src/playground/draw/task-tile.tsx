import { parseSize } from "@atoma/contract";
import { LoaderCircle, RotateCcw, X } from "lucide-react";
import type { CSSProperties } from "react";
import { Button, IconButton } from "../../shared/components/button.tsx";
import { Notice } from "../../shared/components/notice.tsx";
import { common } from "../../shared/i18n/common.ts";
import { useLanguage, useTexts } from "../../shared/i18n/language.tsx";
import { useObjectUrl } from "../../shared/object-url.ts";
import { explainError } from "../explain-error.ts";
import type { Picture } from "../gallery/picture.ts";
import { PictureActions } from "../gallery/picture-actions.tsx";
import { usePlayground } from "../playground.ts";
import { errorTexts, stageTexts } from "../texts.ts";
import type { Drawn } from "./draw-picture.ts";
import { isOpen, type Task } from "./easel.ts";
import styles from "./task-tile.module.css";

/** How far a picture is, from 0 to 1. */
function shareDone({ state }: Task): number {
  if (state.kind === "drawing") return state.step / state.steps;
  return state.kind === "done" ? 1 : 0;
}

/** What the picture waits for, and how long. */
function Progress({ task }: { readonly task: Task }) {
  const t = useTexts(stageTexts);
  const { state } = task;
  const drawing = state.kind === "drawing";
  const text = drawing
    ? state.step === state.steps
      ? t.finishing
      : t.drawing(state.step, state.steps)
    : state.kind === "reconnecting"
      ? t.reconnecting
      : t.waiting;
  const left = drawing && state.step < state.steps ? state.secondsLeft : undefined;
  return (
    <div className={styles.progress}>
      <progress className={styles.bar} aria-label={text} {...(drawing && { value: state.step, max: state.steps })} />
      <span>{text}</span>
      {left !== undefined && <span>{t.secondsLeft(Math.round(left))}</span>}
    </div>
  );
}

/** What the model did not make of the prompt. */
function NotesOn({ notes }: { readonly notes: Drawn["notes"] }) {
  const t = useTexts(stageTexts);
  const { locale } = useLanguage();
  const words = notes?.unknownWords?.map((word) => `“${word}”`) ?? [];
  const list = new Intl.ListFormat(locale, { type: "disjunction" }).format(words);
  return (
    <>
      {words.length > 0 && <p className={styles.note}>{t.unknownWords(list)}</p>}
      {notes?.truncatedPrompt && <p className={styles.note}>{t.truncated(notes.truncatedPrompt)}</p>}
    </>
  );
}

/** One picture that was asked for, from waiting to done. */
export function TaskTile({ task, onOpen }: { readonly task: Task; readonly onOpen: (picture: Picture) => void }) {
  const t = useTexts(stageTexts);
  const c = useTexts(common);
  const e = useTexts(errorTexts);
  const { easel } = usePlayground();
  const { id, order, state } = task;
  const url = useObjectUrl(state.kind === "done" ? state.drawn.blob : task.preview);
  const { width, height } = parseSize(order.size) ?? { width: 1, height: 1 };
  // Custom properties, which React's types do not know.
  const style = {
    "--width": width,
    "--height": height,
    "--blur": `${(1 - shareDone(task)) * 12}px`,
  } as CSSProperties;

  return (
    <figure className={styles.tile} style={style} data-state={state.kind}>
      <div className={styles.sheet}>
        {url && state.kind === "done" && (
          <button
            type="button"
            className={styles.open}
            aria-label={t.open(order.prompt)}
            onClick={() => onOpen(state.picture)}
          >
            <img src={url} alt="" />
          </button>
        )}
        {url && isOpen(task) && <img className={styles.preview} src={url} alt={t.preview(order.prompt)} />}
        {!url && isOpen(task) && (
          <span className={styles.waiting}>
            <LoaderCircle aria-hidden />
          </span>
        )}
        {isOpen(task) && (
          <IconButton
            label={t.cancelOne}
            variant="secondary"
            className={styles.cancel}
            onClick={() => easel.cancel(id)}
          >
            <X />
          </IconButton>
        )}
        {state.kind === "failed" && <Failure explained={explainError(state.error, e)} id={id} />}
        {state.kind === "cancelled" && (
          <div className={styles.message}>
            <p>{t.cancelled}</p>
            <div className={styles.row}>
              <Button onClick={() => easel.again(id)}>
                <RotateCcw aria-hidden />
                {c.tryAgain}
              </Button>
              <Button variant="ghost" onClick={() => easel.dismiss(id)}>
                {t.dismiss}
              </Button>
            </div>
          </div>
        )}
      </div>
      <figcaption className={styles.caption}>
        {isOpen(task) && <Progress task={task} />}
        {state.kind === "done" && (
          <>
            <NotesOn notes={state.drawn.notes} />
            <PictureActions picture={state.picture} file={state.drawn.blob} />
          </>
        )}
      </figcaption>
    </figure>
  );
}

function Failure({ explained, id }: { readonly explained: ReturnType<typeof explainError>; readonly id: string }) {
  const t = useTexts(stageTexts);
  const c = useTexts(common);
  const { easel } = usePlayground();
  const { title, help, said, requestId } = explained;
  return (
    <div className={styles.message}>
      <Notice
        kind="bad"
        title={title}
        details={requestId && c.requestId(requestId)}
        actions={
          <>
            <Button onClick={() => easel.again(id)}>
              <RotateCcw aria-hidden />
              {c.tryAgain}
            </Button>
            <Button variant="ghost" onClick={() => easel.dismiss(id)}>
              {t.dismiss}
            </Button>
          </>
        }
      >
        <p>{help}</p>
        {said !== undefined && <p>{said}</p>}
      </Notice>
    </div>
  );
}
