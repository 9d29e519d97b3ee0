import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { Button } from "../../shared/components/button.tsx";
import { Notice } from "../../shared/components/notice.tsx";
import { useTexts } from "../../shared/i18n/language.tsx";
import { useStore } from "../../shared/store.ts";
import type { Picture } from "../gallery/picture.ts";
import { PictureDialog } from "../gallery/picture-dialog.tsx";
import { Thumbnail } from "../gallery/thumbnail.tsx";
import { picturesQuery, usePlayground } from "../playground.ts";
import { Shapes } from "../shapes.tsx";
import { galleryTexts, stageTexts } from "../texts.ts";
import { isOpen, type Task } from "./easel.ts";
import styles from "./stage.module.css";
import { TaskTile } from "./task-tile.tsx";

const RECENT = 12;

/** What the newest pictures say to who cannot see them. */
function announcement(tasks: readonly Task[], t: { done: (prompt: string) => string }): string {
  const done = tasks.filter(({ state }) => state.kind === "done");
  return done.length > 0 && !tasks.some(isOpen) ? t.done(done[0]?.order.prompt ?? "") : "";
}

/** The pictures that are being made, large, and those of before, small. */
export function Stage() {
  const t = useTexts(stageTexts);
  const g = useTexts(galleryTexts);
  const { easel, gallery, unkept } = usePlayground();
  const tasks = useStore(easel.tasks);
  const lost = useStore(unkept);
  const pictures = useQuery(picturesQuery(gallery));
  const [opened, setOpened] = useState<Picture>();
  const stage = useRef<HTMLElement>(null);

  const newest = tasks[0]?.batch;
  const batch = tasks.filter((task) => task.batch === newest).toReversed();
  const older = tasks.filter((task) => task.batch !== newest && isOpen(task)).toReversed();
  const shown = new Set(batch.flatMap(({ state }) => (state.kind === "done" ? [state.picture.id] : [])));
  const recent = (pictures.data ?? []).filter(({ id }) => !shown.has(id)).slice(0, RECENT);
  const open = [...batch, ...older].filter(isOpen);

  const cancelAll = () => {
    for (const { id } of open) easel.cancel(id);
  };

  useEffect(() => {
    if (newest !== undefined) stage.current?.scrollIntoView({ block: "start" });
  }, [newest]);

  return (
    <section ref={stage} className={styles.stage} aria-label={t.stage}>
      <p className="visually-hidden" role="status">
        {announcement(batch, t)}
      </p>
      {(lost > 0 || pictures.isError) && (
        <Notice kind="info" title={g.unreadable}>
          <p>{g.unreadableHelp}</p>
        </Notice>
      )}
      {batch.length === 0 && (
        <div className={styles.empty}>
          <div className={styles.shapes}>
            <Shapes />
          </div>
          <h1>{t.emptyTitle}</h1>
          <p>{t.emptyHelp}</p>
        </div>
      )}
      {batch.length > 0 && (
        <ul className={styles.batch} data-count={Math.min(batch.length, 5)}>
          {batch.map((task) => (
            <li key={task.id}>
              <TaskTile task={task} onOpen={setOpened} />
            </li>
          ))}
        </ul>
      )}
      {open.length > 1 && (
        <div className={styles.actions}>
          <Button onClick={cancelAll}>{t.cancelAll}</Button>
        </div>
      )}
      {older.length > 0 && (
        <ul className={styles.older}>
          {older.map((task) => (
            <li key={task.id}>
              <TaskTile task={task} onOpen={setOpened} />
            </li>
          ))}
        </ul>
      )}
      {recent.length > 0 && (
        <section className={styles.recent} aria-label={t.recent}>
          <div className={styles.head}>
            <h2>{t.recent}</h2>
            <Link href="/gallery">{t.all}</Link>
          </div>
          <ul>
            {recent.map((picture) => (
              <li key={picture.id}>
                <button type="button" aria-label={t.open(picture.prompt)} onClick={() => setOpened(picture)}>
                  <Thumbnail id={picture.id} />
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      {opened && <PictureDialog picture={opened} among={pictures.data ?? []} onShow={setOpened} />}
    </section>
  );
}
