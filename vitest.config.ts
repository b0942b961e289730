import { availableParallelism } from "node:os"
import { configDefaults, defineConfig } from "vitest/config"

/** What tests no part of the library, but what it is checked, measured and released with. */
const tools = ["test/{bench,docs,release}/**/*.test.ts"]

export default defineConfig({
  test: {
    globalSetup: ["test/support/bundles.ts"],
    // On a machine that is busy with something else a test may take ten times as long.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Of two processors Vitest would use one.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // No test changes what others see: a worker reads the 400 modules of Effect once, and not for each file anew.
    isolate: false,
    // Node reads the sources itself, as it does in the processes that tests start: what is covered there and here is
    // told of the same text, and can be added up.
    experimental: { viteModuleRunner: false },
    projects: [
      {
        extends: true,
        test: { name: "library", include: ["test/**/*.test.ts"], exclude: [...configDefaults.exclude, ...tools] }
      },
      { extends: true, test: { name: "tools", include: tools } }
    ],
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      autoAttachSubprocess: true,
      reportOnFailure: true,
      reporter: ["json", "json-summary"]
    }
  }
})
