import { Group, ScrollArea, UnstyledButton } from "@mantine/core";
import { IconAlertCircle, IconPhoto } from "@tabler/icons-react";
import type { Submission } from "../hooks/use-submissions";
import classes from "./submission-strip.module.css";

interface SubmissionStripProps {
  submissions: Submission[];
  selected: number;
  onSelect: (id: number) => void;
}

/** The pictures of this page as small ones, newest first; a click shows one. */
export function SubmissionStrip({ submissions, selected, onSelect }: SubmissionStripProps) {
  return (
    <ScrollArea type="auto" offsetScrollbars="x">
      <Group component="nav" aria-label="Pictures" gap="xs" wrap="nowrap" p={3}>
        {submissions.map((submission) => (
          <UnstyledButton
            key={submission.id}
            className={classes.item}
            aria-label={submission.filename}
            aria-current={submission.id === selected}
            onClick={() => onSelect(submission.id)}
          >
            <Thumbnail submission={submission} />
          </UnstyledButton>
        ))}
      </Group>
    </ScrollArea>
  );
}

function Thumbnail({ submission }: { submission: Submission }) {
  if (submission.problem) {
    return <IconAlertCircle color="var(--mantine-color-red-6)" aria-hidden />;
  }
  if (!submission.accepted?.prediction.links) {
    return <IconPhoto color="var(--mantine-color-dimmed)" aria-hidden />;
  }
  return (
    <img
      className={classes.picture}
      src={`${submission.accepted.prediction.links.preview}?max_side=320`}
      alt=""
    />
  );
}
