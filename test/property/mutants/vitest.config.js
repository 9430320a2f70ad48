import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig, mergeConfig } from 'vitest/config'
import { BaseSequencer } from 'vitest/node'
import rootConfig from '../../../vitest.config.ts'

/** Tests that a change of src cannot fail, because they look at something else: the build, texts, or src as a text. */
const BLIND = ['architecture', 'model/without-host'].map((name) => `test/unit/${name}.test.ts`)

/** Those that take seconds, because they try much. */
const SLOW = ['pressure/pressure', 'scale']

/**
 * The test of the changed file has its turn first, then those of its room, then the others; what is slow, last. Most changes are
 * noticed by the first.
 */
class NearestFirst extends BaseSequencer {
  async sort(specifications) {
    const changed = this.ctx.config.related?.[0] ?? ''
    const [, path = ''] = /\/src\/(.*)\.ts$/.exec(changed) ?? []
    const room = path.split('/').slice(0, -1).join('/')
    const distance = ({ moduleId }) => {
      if (SLOW.some((name) => moduleId.endsWith(`/${name}.test.ts`))) return 3
      if (moduleId.endsWith(`/test/unit/${path}.test.ts`)) return 0
      return moduleId.includes(`/test/unit/${room || path}/`) ? 1 : 2
    }
    return [...specifications].sort((one, other) => distance(one) - distance(other) || one.moduleId.localeCompare(other.moduleId))
  }
}

const config = mergeConfig(
  rootConfig,
  defineConfig({
    root: fileURLToPath(new URL('../../..', import.meta.url)),
    test: {
      include: ['test/property/pressure/*.test.ts'],
      exclude: [...configDefaults.exclude, ...BLIND],
      setupFiles: [fileURLToPath(new URL('without-build.js', import.meta.url))],
      isolate: false,
      sequence: { sequencer: NearestFirst },
    },
  }),
)

/** Folders of tests, or all where there is none: the option `--tests`. */
const only = process.env.MUTANTS_TESTS?.split(',') ?? []
if (only.length > 0) config.test.include = only.map((folder) => `${folder}/**/*.test.ts`)

export default config
