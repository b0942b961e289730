import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/bundledCommand.ts"],
    testTimeout: 30_000,
    // Node reads the sources itself, as it does in the processes that tests start: what is covered there and here is
    // told of the same text, and can be added up.
    experimental: { viteModuleRunner: false },
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      autoAttachSubprocess: true,
      reportOnFailure: true,
      reporter: ["json", "json-summary"]
    }
  }
})
