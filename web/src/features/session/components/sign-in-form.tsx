import {
  Alert,
  Button,
  Group,
  Paper,
  PasswordInput,
  Stack,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Me, SignInOffer } from "@/api/generated/types.gen";
import { problemOf } from "@/api/http";
import { LanguageSelect } from "@/components/ui/language-select";
import { ThemeSelect } from "@/components/ui/theme-select";
import { useProblemText } from "@/lib/i18n/use-problem-text";
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
  const { t } = useTranslation("session");
  const textOf = useProblemText();
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
      const { code } = problemOf(error);
      setWrong(code === "unauthenticated" ? t(($) => $.wrong) : textOf(code));
    } finally {
      setBusy(false);
    }
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    void submit(name, password);
  };

  return (
    <Paper
      component="main"
      withBorder
      p="xl"
      w="calc(100% - 24px)"
      maw={400}
      mx="auto"
      mt={{ base: "md", sm: 80 }}
    >
      <form onSubmit={onSubmit}>
        <Stack>
          <Group justify="space-between">
            <Title order={1} size="h2">
              inferq
            </Title>
            <Group gap={2} mr={-8}>
              <LanguageSelect />
              <ThemeSelect />
            </Group>
          </Group>
          <Text>{expired ? t(($) => $.expired) : t(($) => $.title)}</Text>
          <TextInput
            label={t(($) => $.name)}
            autoComplete="username"
            autoCapitalize="none"
            required
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <PasswordInput
            label={t(($) => $.password)}
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
            {t(($) => $.signIn)}
          </Button>
          {offer && (
            <Button
              variant="default"
              disabled={busy}
              onClick={() => void submit(offer.username, offer.password)}
            >
              {t(($) => $.tryAs, { name: offer.username })}
            </Button>
          )}
        </Stack>
      </form>
    </Paper>
  );
}
