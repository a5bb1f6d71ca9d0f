import { Tooltip, VisuallyHidden } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useLive } from "@/api/live/live-provider";
import classes from "./live-indicator.module.css";

/** How the page hears of changes at the moment. */
export function LiveIndicator() {
  const { t } = useTranslation();
  const { status } = useLive();
  const text = t(($) => $.live[status]);
  return (
    <Tooltip label={text} openDelay={100}>
      <output className={classes.indicator} data-status={status}>
        <span className={classes.dot} aria-hidden />
        <VisuallyHidden>{text}</VisuallyHidden>
      </output>
    </Tooltip>
  );
}
