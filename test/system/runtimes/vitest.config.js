import { fileURLToPath } from 'node:url'
import { defineConfig, mergeConfig } from 'vitest/config'
import rootConfig from '../../../vitest.config.ts'

// The unit tests, and what else vitest runs of this kind.
export default mergeConfig(
  rootConfig,
  defineConfig({
    root: fileURLToPath(new URL('../../..', import.meta.url)),
    test: { include: ['test/property/pressure/*.test.ts'] },
  }),
)
