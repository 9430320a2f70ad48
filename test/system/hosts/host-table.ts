import type { HostResult } from './result.ts'

/** A row of the table in the guide to hosts, as its cells read. */
export interface HostRow {
  readonly host: string
  readonly versions: string
  readonly passed: string
  readonly skipped: string
  readonly recipe: string
  readonly lines: string
  readonly date: string
}

const BEGIN = '<!-- hosts: written by npm --prefix test/system/hosts run table -->'
const END = '<!-- /hosts -->'

const HEADINGS: HostRow = {
  host: 'host',
  versions: 'versions',
  passed: 'tests passed',
  skipped: 'skipped',
  recipe: 'recipe',
  lines: 'lines',
  date: 'last run',
}
const COLUMNS = Object.keys(HEADINGS) as (keyof HostRow)[]

/** What a result is in the table. Of a host that failed a test there is nothing to tell. */
export function rowOf({ host, runtime, versions, recipe, date, tests }: HostResult, lineCount: number): HostRow {
  const failed = tests.filter(({ outcome }) => outcome === 'failed')
  if (failed.length > 0) throw new Error(`${host} failed: ${failed.map(({ name }) => name).join(', ')}`)
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  const skipped = tests.filter(({ outcome }) => outcome === 'skipped')
  const counts = new Map<string | undefined, number>()
  for (const { reason } of skipped) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return {
    host,
    versions: [...packages, runtime].join(', '),
    passed: String(tests.length - skipped.length),
    skipped: [...counts].map(([reason, count]) => `${count}: ${reason}`).join('; ') || 'none',
    recipe: `[${recipe}](../examples/hosts/${recipe})`,
    lines: String(lineCount),
    date,
  }
}

/** The rows in a guide. */
export function rowsIn(guide: string): HostRow[] {
  const [, , ...rows] = tableIn(guide).split('\n')
  return rows.map((row) => {
    const cells = row.split('|').slice(1, -1).map((cell) => cell.trim())
    return Object.fromEntries(COLUMNS.map((column, i) => [column, cells[i] ?? ''])) as unknown as HostRow
  })
}

/** The guide with these rows instead of those that it has. */
export function withRows(guide: string, rows: readonly HostRow[]): string {
  const table = [rowText(HEADINGS), `|${' --- |'.repeat(COLUMNS.length)}`, ...rows.map(rowText)].join('\n')
  return guide.replace(tableIn(guide), () => table)
}

/** The new rows, and those of the other hosts as they were, by the hosts' names. */
export function merged(old: readonly HostRow[], fresh: readonly HostRow[]): HostRow[] {
  const rows = new Map([...old, ...fresh].map((row) => [row.host, row]))
  return [...rows.values()].sort((a, b) => a.host.localeCompare(b.host, 'en'))
}

/** What differs between two tables besides dates: the lines that only one of them has. */
export function differences(old: readonly HostRow[], fresh: readonly HostRow[]): string[] {
  const [before, after] = [old, fresh].map((rows) => new Set(rows.map((row) => rowText({ ...row, date: '' }))))
  return [...before!].filter((line) => !after!.has(line)).map((line) => `- ${line}`)
    .concat([...after!].filter((line) => !before!.has(line)).map((line) => `+ ${line}`))
}

/** How many lines of a recipe are code. */
export function codeLineCount(source: string): number {
  const lines = source.replaceAll(/^\s*\/\*.*?\*\/$/gms, '').split('\n').map((line) => line.trim())
  return lines.filter((line) => line !== '' && !line.startsWith('//')).length
}

function tableIn(guide: string): string {
  const [, after] = guide.split(`${BEGIN}\n`)
  const [table, rest] = after?.split(`\n${END}`) ?? []
  if (table === undefined || rest === undefined) throw new Error(`The guide has no lines "${BEGIN}" and "${END}" with a table between them`)
  return table
}

function rowText(row: HostRow): string {
  return `| ${COLUMNS.map((column) => row[column]).join(' | ')} |`
}
