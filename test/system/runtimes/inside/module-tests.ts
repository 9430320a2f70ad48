import { createRequire } from 'node:module'
import type { TestRunner } from 'stream-connection-manager/testing'
import { expectSame } from './library-tests.ts'

const require = createRequire(import.meta.url)

/** Registers what every entry of the packed library is to give those who import it and those who require it. */
export function moduleTests({ describe, it }: TestRunner): void {
  const { name, exports } = require('stream-connection-manager/package.json') as { readonly name: string; readonly exports: object }
  const entries = Object.keys(exports).filter((entry) => !entry.endsWith('.json'))
  describe('the package', () => {
    for (const entry of entries) {
      const specifier = name + entry.slice(1)
      it(`has the same exports by import and by require: ${specifier}`, async () => {
        const [imported, required] = [await import(specifier), require(specifier)].map((module) => Object.keys(module).sort())
        expectSame(required, imported)
        if (imported?.length === 0) throw new Error('There is nothing')
      })
    }
  })
}
