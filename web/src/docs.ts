import "swagger-ui-dist/swagger-ui.css";
import "@/docs.css";
// @ts-expect-error The package has no types of its own.
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";

SwaggerUI({
  url: "/api/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  // Else it would send the document to a validator on another host.
  validatorUrl: null,
});
