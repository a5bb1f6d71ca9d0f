import { Center, Loader } from "@mantine/core";

/** Stands in a section until its content is there. */
export function SectionLoading() {
  return (
    <Center h={72}>
      <Loader size="sm" aria-hidden />
    </Center>
  );
}
