import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // All cores: vitest leaves one to others, which on two is half of them.
    maxWorkers: '100%',
    include: ['test/unit/**/*.test.ts'],
    // Only what hangs is to end by it: a busy machine is no failure.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Many tests are about failures, and listen to none.
    onConsoleLog: (text) => !text.startsWith('stream-connection-manager: an error at the stage'),
    typecheck: { include: ['test/unit/types/**/*.test-d.ts'], tsconfig: 'test/tsconfig.json' },
  },
})
