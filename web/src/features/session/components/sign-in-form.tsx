import { Alert, Button, Paper, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { type FormEvent, useState } from "react";
import type { Me, SignInOffer } from "@/api/generated/types.gen";
import { problemOf } from "@/api/http";
import { signIn } from "../api/session";

interface SignInFormProps {
  /** The account that anyone at this machine may use. */
  offer: SignInOffer | null;
  /** Whether somebody was signed in before. */
  expired: boolean;
  onSignedIn: (user: Me) => void;
}

/** Asks for name and password. */
export function SignInForm({ offer, expired, onSignedIn }: SignInFormProps) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);

  const submit = async (username: string, secret: string) => {
    setBusy(true);
    setWrong(null);
    try {
      onSignedIn(await signIn(username, secret));
    } catch (error) {
      setWrong(problemOf(error as Error).detail);
    } finally {
      setBusy(false);
    }
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    void submit(name, password);
  };

  return (
    <Paper component="main" withBorder p="xl" maw={400} mx="auto" mt={{ base: "md", sm: 80 }}>
      <form onSubmit={onSubmit}>
        <Stack>
          <Title order={1} size="h2">
            inferq
          </Title>
          <Text>
            {expired
              ? "Your session has ended. Sign in again; the page goes on where it was."
              : "Sign in to predict."}
          </Text>
          <TextInput
            label="User name"
            autoComplete="username"
            autoCapitalize="none"
            required
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <PasswordInput
            label="Password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          {wrong && (
            <Alert color="red" role="alert">
              {wrong}
            </Alert>
          )}
          <Button type="submit" loading={busy}>
            Sign in
          </Button>
          {offer && (
            <Button
              variant="default"
              disabled={busy}
              onClick={() => void submit(offer.username, offer.password)}
            >
              Try as {offer.username}
            </Button>
          )}
        </Stack>
      </form>
    </Paper>
  );
}
