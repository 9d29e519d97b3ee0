import type { ReactNode } from "react";
import { Select } from "../../shared/components/field.tsx";
import { useTexts } from "../../shared/i18n/language.tsx";
import type { Ratio } from "../model.ts";
import { composeTexts } from "../texts.ts";
import styles from "./size-picker.module.css";

interface SizePickerProps {
  readonly ratios: readonly Ratio[];
  readonly value: string;
  readonly onValue: (size: string) => void;
  /** Stands beside the size. */
  readonly children?: ReactNode;
}

/** Of the sizes of another ratio the one that has about as many pixels. */
function nearest(ratio: Ratio, area: number): string | undefined {
  const distance = ({ width, height }: { readonly width: number; readonly height: number }) =>
    Math.abs(Math.log((width * height) / area));
  return ratio.sizes.toSorted((a, b) => distance(a) - distance(b))[0]?.size;
}

/** First the shape, then how large. */
export function SizePicker({ ratios, value, onValue, children }: SizePickerProps) {
  const t = useTexts(composeTexts);
  const current = ratios.find((ratio) => ratio.sizes.some(({ size }) => size === value));
  const chosen = current?.sizes.find(({ size }) => size === value);
  const area = (chosen?.width ?? 512) * (chosen?.height ?? 512);
  return (
    <div className={styles.picker}>
      {ratios.length > 1 && (
        <fieldset className={styles.ratios}>
          <legend className={styles.legend}>{t.shape}</legend>
          <div className={styles.row}>
            {ratios.map((ratio) => (
              <label key={ratio.name} className={styles.ratio}>
                <input
                  type="radio"
                  name="ratio"
                  checked={ratio === current}
                  onChange={() => onValue(nearest(ratio, area) ?? value)}
                />
                <span>
                  <svg viewBox="0 0 24 24" aria-hidden="true">
                    <rect
                      x={12 - 9 * Math.min(1, ratio.value)}
                      y={12 - 9 * Math.min(1, 1 / ratio.value)}
                      width={18 * Math.min(1, ratio.value)}
                      height={18 * Math.min(1, 1 / ratio.value)}
                      rx="2.5"
                    />
                  </svg>
                  {ratio.name}
                </span>
              </label>
            ))}
          </div>
        </fieldset>
      )}
      <div className={styles.pair}>
        <Select label={t.size} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
          {(current ?? ratios[0])?.sizes.map(({ size, width, height }) => (
            <option key={size} value={size}>
              {width} × {height}
            </option>
          ))}
        </Select>
        {children}
      </div>
    </div>
  );
}
