import "@mantine/core/styles.css";
import "@mantine/dropzone/styles.css";
import "@fontsource-variable/noto-sans/wght.css";
import "@/app/app.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { client } from "@/api/generated/client.gen";
import { signedInFetch } from "@/api/signed-in-fetch";
import { App } from "@/app/app";
import { startI18n } from "@/app/i18n";

const root = document.getElementById("root");
if (root) {
  client.setConfig({ fetch: signedInFetch });
  await startI18n();
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
