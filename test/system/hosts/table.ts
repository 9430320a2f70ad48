import { readFileSync, writeFileSync } from 'node:fs'
import { codeLineCount, differences, merged, rowOf, rowsIn, withRows } from './host-table.ts'
import { readResults } from './result.ts'

// npm run table: writes the results of the last runs into the table of docs/hosts.md.
// npm run table -- --check: fails if the table differs from the results, dates aside.

const GUIDE = new URL('../../../docs/hosts.md', import.meta.url)
const RESULTS = ['results', '../runtimes/results'].map((folder) => new URL(`${folder}/`, import.meta.url))
const RECIPES = new URL('../../../examples/hosts/', import.meta.url)

const results = RESULTS.flatMap(readResults)
const fresh = results.map((result) => rowOf(result, codeLineCount(readFileSync(new URL(result.recipe, RECIPES), 'utf8'))))
const guide = readFileSync(GUIDE, 'utf8')
const old = rowsIn(guide)
const rows = merged(old, fresh)

if (fresh.length === 0) throw new Error('There are no results: run the suite first')
if (!process.argv.includes('--check')) {
  writeFileSync(GUIDE, withRows(guide, rows))
  console.log(`${fresh.length} of ${rows.length} hosts in docs/hosts.md are from the last runs`)
} else if (differences(old, rows).length > 0) {
  console.error(["The table in docs/hosts.md is out of date: npm --prefix test/system/hosts run table", ...differences(old, rows)].join('\n'))
  process.exitCode = 1
} else console.log(`The table in docs/hosts.md agrees with ${fresh.length} results`)
