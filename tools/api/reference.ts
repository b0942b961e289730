/**
 * Writes the reference of the public API into `docs/api`, in Markdown, from the doc comments. Fails on a broken link, on an
 * export that is not documented, and on a type without a name.
 */
import { fileURLToPath } from "node:url"
import { Application, PackageJsonReader, TSConfigReader, TypeDocReader } from "typedoc"

const options = fileURLToPath(new URL("typedoc.json", import.meta.url))
const app = await Application.bootstrapWithPlugins({ options, logLevel: "Warn" }, [
  new TypeDocReader(),
  new PackageJsonReader(),
  new TSConfigReader()
])
const project = await app.convert()
if (project !== undefined) {
  app.validate(project)
  if (!app.logger.hasErrors()) await app.generateOutputs(project)
}
if (project === undefined || app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1
else console.log("the reference is in docs/api")
