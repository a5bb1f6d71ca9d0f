import { Group, ScrollArea, UnstyledButton } from "@mantine/core";
import { IconAlertCircle, IconFile, IconPhoto } from "@tabler/icons-react";
import type { Submission } from "../hooks/use-submissions";
import classes from "./submission-strip.module.css";

interface SubmissionStripProps {
  submissions: Submission[];
  selected: number;
  onSelect: (id: number) => void;
}

/** The inputs of this page, pictures as small ones, newest first; a click shows one. */
export function SubmissionStrip({ submissions, selected, onSelect }: SubmissionStripProps) {
  return (
    <ScrollArea type="auto" offsetScrollbars="x">
      <Group component="nav" aria-label="Inputs" gap="xs" wrap="nowrap" p={3}>
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
  const links = submission.accepted?.prediction.links;
  if (!links?.preview) {
    const Icon = links ? IconFile : IconPhoto;
    return <Icon color="var(--mantine-color-dimmed)" aria-hidden />;
  }
  return <img className={classes.picture} src={`${links.preview}?max_side=320`} alt="" />;
}
