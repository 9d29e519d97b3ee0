import { usePlayground } from "../playground.ts";
import styles from "./thumbnail.module.css";
import { useStoredUrl } from "./use-stored.ts";

/** The small copy of a picture. What it shows is said by what is around it. */
export function Thumbnail({ id }: { readonly id: string }) {
  const { gallery } = usePlayground();
  const url = useStoredUrl(gallery.thumbnail, id);
  return <span className={styles.frame}>{url && <img src={url} alt="" />}</span>;
}
