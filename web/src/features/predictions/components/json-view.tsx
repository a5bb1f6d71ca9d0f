import { Button, Code, CopyButton, Group, Stack } from "@mantine/core";

/** JSON as a model answered it, to read and to copy. */
export function JsonView({ data }: { data: unknown }) {
  const text = JSON.stringify(data, null, 2);
  return (
    <Stack gap="xs">
      <Group justify="flex-end">
        <CopyButton value={text}>
          {({ copied, copy }) => (
            <Button size="compact-sm" variant="default" onClick={copy}>
              {copied ? "Copied" : "Copy"}
            </Button>
          )}
        </CopyButton>
      </Group>
      <Code
        block
        mah="60dvh"
        tabIndex={0}
        role="region"
        aria-label="Result"
        style={{ overflow: "auto" }}
      >
        {text}
      </Code>
    </Stack>
  );
}
