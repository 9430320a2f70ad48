// Fails if a statement, branch or function of src is not run by a test and not listed in `uncovered.json`, and if
// `uncovered.json` lists one that is covered. Reads the report of `npm run measure`.
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** @typedef {{ file: string, line: string, reason: string }} Accounted a line of src, as it is written, and why no test runs all of it */
/** @typedef {{ file: string, number: number, line: string, what: string }} Uncovered */

/** @returns {Uncovered[]} what no test runs, by file and line */
export function uncoveredIn(report, linesOf) {
  return Object.entries(report).flatMap(([path, { statementMap, s, branchMap, b, fnMap, f }]) => {
    const missed = [
      ...missedIn(statementMap, s, 'statement', ({ start }) => start.line),
      ...missedIn(fnMap, f, 'function', ({ decl }) => decl.start.line),
      ...Object.entries(branchMap).flatMap(([id, { locations, loc }]) =>
        b[id].flatMap((count, arm) => (count > 0 ? [] : [{ what: 'branch', number: locations[arm]?.start.line ?? loc.start.line }])),
      ),
    ]
    return missed.map(({ what, number }) => ({ file: path, number, line: linesOf(path)[number - 1].trim(), what }))
  })
}

function missedIn(map, counts, what, lineOf) {
  return Object.entries(map).flatMap(([id, place]) => (counts[id] > 0 ? [] : [{ what, number: lineOf(place) }]))
}

/** @returns {string[]} what is wrong with the account: something is missing in it, or should not be in it any more */
export function objectionsTo(/** @type {Uncovered[]} */ uncovered, /** @type {Accounted[]} */ accounted) {
  const isFor = (place) => (entry) => entry.file === place.file && entry.line === place.line
  return [
    ...uncovered
      .filter((place) => !accounted.some(isFor(place)))
      .map(({ file, number, line, what }) => `${file}:${number} has a ${what} that no test runs: ${line}`),
    ...accounted
      .filter((entry) => !uncovered.some(isFor(entry)))
      .map(({ file, line }) => `${file} is covered where uncovered.json says that it is not: ${line}`),
    ...accounted.filter(({ reason }) => !reason?.trim()).map(({ file, line }) => `${file} has no reason in uncovered.json: ${line}`),
  ]
}

function main() {
  const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'))
  const report = Object.fromEntries(Object.entries(read('report/coverage-final.json')).map(([path, of]) => [relative(ROOT, path), of]))
  const accounted = read('uncovered.json')
  const uncovered = uncoveredIn(report, (path) => readFileSync(`${ROOT}${path}`, 'utf8').split('\n'))

  const objections = objectionsTo(uncovered, accounted)

  for (const objection of objections) console.error(objection)
  console.log(`${uncovered.length} uncovered places, ${accounted.length} lines accounted for, ${objections.length} objections`)
  if (objections.length > 0) process.exitCode = 1
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main()
