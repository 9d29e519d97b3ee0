import {
  type CSSProperties,
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from "react";
import { classes } from "../class-names.ts";
import styles from "./field.module.css";

interface Described {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly error?: string | undefined;
}

interface Wired {
  readonly id: string;
  readonly "aria-describedby"?: string;
  readonly "aria-invalid"?: true;
}

/** A label, what it labels, and a hint or what is wrong with the value. */
function Field({
  label,
  hint,
  error,
  value,
  children,
}: Described & { readonly value?: ReactNode; readonly children: (wired: Wired) => ReactNode }) {
  const id = useId();
  const described = error !== undefined || hint !== undefined ? { "aria-describedby": `${id}-note` } : {};
  return (
    <div className={styles.field}>
      <div className={styles.head}>
        <label className={styles.label} htmlFor={id}>
          {label}
        </label>
        {value !== undefined && <output className={styles.value}>{value}</output>}
      </div>
      {children({ id, ...described, ...(error !== undefined && { "aria-invalid": true }) })}
      {(error ?? hint) !== undefined && (
        <div id={`${id}-note`} className={error === undefined ? styles.hint : styles.error}>
          {error ?? hint}
        </div>
      )}
    </div>
  );
}

type InputProps = Described & InputHTMLAttributes<HTMLInputElement>;

export function TextField({ label, hint, error, className, ...rest }: InputProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(wired) => <input className={classes(styles.input, className)} {...rest} {...wired} />}
    </Field>
  );
}

export function TextArea({
  label,
  hint,
  error,
  className,
  ...rest
}: Described & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(wired) => <textarea className={classes(styles.input, className)} {...rest} {...wired} />}
    </Field>
  );
}

export function Select({ label, hint, error, ...rest }: Described & SelectHTMLAttributes<HTMLSelectElement>) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(wired) => <select className={styles.input} {...rest} {...wired} />}
    </Field>
  );
}

export interface SliderProps extends Described {
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  /** How the value is shown; default: as it is. */
  readonly shown?: string;
  readonly onValue: (value: number) => void;
}

export function Slider({ label, hint, value, min, max, step = 1, shown = String(value), onValue }: SliderProps) {
  // A custom property, which React's types do not know.
  const style = { "--filled": `${((value - min) / Math.max(max - min, 1e-9)) * 100}%` } as CSSProperties;
  return (
    <Field label={label} hint={hint} value={shown}>
      {(wired) => (
        <input
          type="range"
          className={styles.slider}
          style={style}
          {...{ min, max, step, value }}
          aria-valuetext={shown}
          onChange={(event) => onValue(event.currentTarget.valueAsNumber)}
          {...wired}
        />
      )}
    </Field>
  );
}

export interface SegmentedProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly options: readonly { readonly value: T; readonly label: ReactNode; readonly title?: string }[];
  readonly onValue: (value: T) => void;
  readonly hideLabel?: boolean;
}

/** One of a few, all of them seen at once. */
export function Segmented<T extends string>({ label, value, options, onValue, hideLabel }: SegmentedProps<T>) {
  const name = useId();
  return (
    <fieldset className={styles.field}>
      <legend className={hideLabel ? "visually-hidden" : styles.label}>{label}</legend>
      <div className={styles.segments}>
        {options.map((option) => (
          <label key={option.value} className={styles.segment} title={option.title}>
            <input type="radio" name={name} checked={option.value === value} onChange={() => onValue(option.value)} />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
