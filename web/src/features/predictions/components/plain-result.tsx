import { Anchor, Grid, Image, Stack, Text } from "@mantine/core";
import type { Prediction } from "@/api/generated/types.gen";
import { ClassBars } from "./class-bars";
import { JsonView } from "./json-view";

/** A prediction that has no boxes to draw: the picture, if it is of one, and beside it what the model answers. */
export function PlainResult({ prediction, status }: { prediction: Prediction; status: string }) {
  const { links, input } = prediction;
  const name = input.filename ?? "The submitted input";
  return (
    <Grid gap="lg">
      {links?.preview && (
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Image src={`${links.preview}?max_side=1280`} alt={name} radius="sm" />
        </Grid.Col>
      )}
      <Grid.Col span={{ base: 12, md: links?.preview ? 6 : 12 }}>
        <Stack gap="sm">
          <Text fw={600} role="status" aria-live="polite">
            {status}
          </Text>
          <Result prediction={prediction} />
          <Text size="sm" c="dimmed">
            {name}, by {prediction.model.name}@{prediction.model.version}
            {" · "}
            <Anchor size="sm" underline="always" href={links?.self} target="_blank">
              JSON
            </Anchor>
          </Text>
        </Stack>
      </Grid.Col>
    </Grid>
  );
}

function Result({ prediction: { result } }: { prediction: Prediction }) {
  switch (result?.kind) {
    case "classification":
      return <ClassBars classes={result.classes} />;
    case "json":
      return <JsonView data={result.data} />;
    default:
      return null;
  }
}
