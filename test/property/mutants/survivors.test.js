import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createInstrumenter } from '@stryker-mutator/instrumenter'
import { createInjector } from 'typed-inject'
import { objectionsTo, resultsIn } from './check.js'
import { strykerPlugins } from './messages.js'
import { ROOT } from './tree.js'

const silent = new Proxy({}, { get: () => () => false })
const accounts = JSON.parse(readFileSync(new URL('survivors.json', import.meta.url), 'utf8'))

/** Every mutant of a file, as if all of them had survived. No test is run: it takes a second, not an hour. */
async function mutantsOf(file) {
  const source = readFileSync(join(ROOT, file), 'utf8')
  const instrumenter = createInjector().provideValue('logger', silent).injectFunction(createInstrumenter)
  const options = { plugins: null, excludedMutations: [], ignorers: strykerPlugins.map(({ value }) => value) }
  const { mutants } = await instrumenter.instrument([{ name: file, content: source, mutate: true }], options)
  const reported = mutants.map(({ location: { start, end }, status = 'Survived', ...mutant }) => ({
    ...mutant,
    // Reports count from 1.
    location: { start: { line: start.line + 1, column: start.column + 1 }, end: { line: end.line + 1, column: end.column + 1 } },
    status,
  }))
  return resultsIn({ files: { [file]: { source, mutants: reported } } })
}

describe('survivors.json', () => {
  it('lists only changes that are possible in src', async () => {
    const files = readdirSync(join(ROOT, 'src'), { recursive: true }).filter((file) => file.endsWith('.ts'))
    const mutants = (await Promise.all(files.map((file) => mutantsOf(`src/${file}`)))).flat()

    const stale = objectionsTo(mutants, accounts).filter((objection) => objection.startsWith('survivors.json'))

    assert.ok(mutants.length > 3_000)
    assert.deepEqual(stale, [])
  })
})
