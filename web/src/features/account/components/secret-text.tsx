import { Code, VisuallyHidden } from "@mantine/core";
import { useTranslation } from "react-i18next";
import classes from "./secret-text.module.css";

const MASK = "•".repeat(24);

interface SecretTextProps {
  label: string;
  text: string;
  hidden?: boolean;
}

/** A text that nobody should see over one's shoulder; its beginning tells what it is. */
export function SecretText({ label, text, hidden = false }: SecretTextProps) {
  const { t } = useTranslation("account");
  const kind = text.slice(0, text.indexOf("_") + 1);
  return (
    <Code block tabIndex={0} role="group" aria-label={label} className={classes.text}>
      {hidden ? (
        <>
          <span aria-hidden>{kind + MASK}</span>
          <VisuallyHidden>{t(($) => $.hidden)}</VisuallyHidden>
        </>
      ) : (
        text
      )}
    </Code>
  );
}
