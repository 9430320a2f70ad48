import { fileURLToPath } from 'node:url'
import { defineConfig, mergeConfig } from 'vitest/config'
import rootConfig from '../../../vitest.config.ts'

const inThisFolder = (path) => fileURLToPath(new URL(path, import.meta.url))

export default mergeConfig(
  rootConfig,
  defineConfig({
    root: inThisFolder('../../..'),
    test: {
      include: ['test/property/pressure/*.test.ts'],
      reporters: [['default', { summary: false }]],
      coverage: {
        enabled: true,
        provider: 'custom',
        customProviderModule: inThisFolder('provider.js'),
        include: ['src/**/*.ts'],
        reporter: ['text', 'json'],
        reportsDirectory: inThisFolder('report'),
      },
    },
  }),
)
