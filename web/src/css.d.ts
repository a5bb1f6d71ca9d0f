import "react";

declare module "react" {
  interface CSSProperties {
    /** A custom property of a style sheet. */
    [name: `--${string}`]: string | number | undefined;
  }
}
