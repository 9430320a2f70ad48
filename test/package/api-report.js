// What the public types of a packed library are, as text, an entry a file: extracted from its declarations.
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CompilerState, Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'
import { PROJECT } from './pack.js'
import { packageIn, packedEntries } from './packed.js'

/** @import { Entry } from './packed.js' */

/** @typedef {ReadonlyMap<string, string>} Reports name of the file → text */

const COMPILER_OPTIONS = { target: 'es2022', lib: ['es2022'], types: [], module: 'nodenext', moduleResolution: 'nodenext', strict: true }

const REFUSED = { logLevel: ExtractorLogLevel.Error }
const IGNORED = { logLevel: ExtractorLogLevel.None }

const MESSAGES = {
  compilerMessageReporting: { default: REFUSED },
  extractorMessageReporting: {
    default: REFUSED,
    'ae-missing-release-tag': IGNORED,
    'ae-forgotten-export': IGNORED,
    'ae-undocumented': IGNORED,
  },
  tsdocMessageReporting: { default: IGNORED },
}

/** @returns {Reports} what the types of the packed library are now, of all of its entries or of the first ones */
export function currentReports(project = PROJECT, entries = packedEntries(project)) {
  const folder = mkdtempSync(join(tmpdir(), 'api-'))
  try {
    // The extractor takes what it finds in a folder called node_modules for somebody else's types.
    cpSync(packageIn(project), join(folder, 'package'), { recursive: true })
    const configs = entries.map((entry) => configOf(entry, folder))
    const [root, ...others] = reportsOf(configs)
    const reports = [root, ...others.map((report) => withoutTypesOf(root, report))]
    return new Map(reports.map((report, i) => [fileNameOf(entries[i]), report]))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Returns the report of a sub-path without the types that it only refers to and that the root's report shows as they are. */
function withoutTypesOf(/** @type {string} */ root, /** @type {string} */ report) {
  const shown = new Set(root.split('\n\n').map((declaration) => declaration.replace(/^export (?:declare )?/m, '')))
  return report.split('\n\n').filter((declaration) => !declaration.startsWith('// @') || !shown.has(declaration)).join('\n\n')
}

function fileNameOf(/** @type {Entry} */ { path }) {
  return `${path.replaceAll('/', '-')}.api.md`
}

/**
 * @param {Entry} entry
 * @param {string} folder where the package lies, and where the extractor may write
 */
function configOf(entry, folder) {
  const projectFolder = join(folder, 'package')
  const declarations = join(projectFolder, 'dist', `${entry.path}.d.ts`)
  return ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(projectFolder, 'package.json'),
    configObject: {
      projectFolder,
      mainEntryPointFilePath: declarations,
      newlineKind: 'lf',
      compiler: { overrideTsconfig: { compilerOptions: COMPILER_OPTIONS, files: [declarations] } },
      // The types that the public ones are made of belong to the report: a change of theirs is a change for users.
      apiReport: {
        enabled: true,
        includeForgottenExports: true,
        reportFileName: fileNameOf(entry),
        reportFolder: folder,
        reportTempFolder: folder,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: MESSAGES,
    },
  })
}

/** Compiles the declarations once, for all of the reports. */
function reportsOf(/** @type {ExtractorConfig[]} */ configs) {
  const [first, ...others] = configs
  const additionalEntryPoints = others.map(({ mainEntryPointFilePath }) => mainEntryPointFilePath)
  const compilerState = CompilerState.create(first, { additionalEntryPoints })
  return configs.map((config) => reportOf(config, compilerState))
}

function reportOf(/** @type {ExtractorConfig} */ config, /** @type {CompilerState} */ compilerState) {
  /** @type {string[]} */
  const complaints = []
  const { succeeded } = Extractor.invoke(config, {
    compilerState,
    localBuild: true,
    messageCallback(message) {
      message.handled = true
      if (message.logLevel === 'error') complaints.push(message.formatMessageWithLocation(config.projectFolder))
    },
  })
  if (!succeeded) throw new Error(`The types cannot be reported:\n${complaints.join('\n')}`)
  return readFileSync(config.reportFilePath, 'utf8')
}
