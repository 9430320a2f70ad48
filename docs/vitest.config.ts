import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  test: {
    include: ['checks/*.ts'],
    // Only what hangs is to end by it: a busy machine is no failure.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
