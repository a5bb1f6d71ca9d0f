import { Center, Loader } from "@mantine/core";

/** Stands where a page will be as soon as it is loaded. */
export function PageLoading() {
  return (
    <Center h="60dvh">
      <Loader aria-hidden />
    </Center>
  );
}
