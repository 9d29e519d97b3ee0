import type { ButtonHTMLAttributes } from "react";
import { classes } from "../class-names.ts";
import styles from "./button.module.css";

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly variant?: "primary" | "secondary" | "ghost" | "danger";
  readonly size?: "normal" | "large";
}

/** A button with text, and an icon before it if there is one. */
export function Button({ variant = "secondary", size = "normal", className, ...rest }: ButtonProps) {
  const names = classes(styles.button, styles[variant], size === "large" && styles.large, className);
  return <button type="button" className={names} {...rest} />;
}

export interface IconButtonProps extends ButtonProps {
  /** What it does; the icon alone says it to nobody. */
  readonly label: string;
}

/** A button that shows an icon alone. With `aria-pressed` it is a switch. */
export function IconButton({ label, variant = "ghost", className, ...rest }: IconButtonProps) {
  const pressed = rest["aria-pressed"] === true;
  return (
    <Button
      variant={variant}
      aria-label={label}
      title={label}
      className={classes(styles.icon, pressed && styles.pressed, className)}
      {...rest}
    />
  );
}
