import { codeInAnchors } from './typedoc/code-in-anchors.js'
import { documentedFields } from './typedoc/documented-fields.js'
import { entryPoints } from './typedoc/entry-points.js'
import { namesForReaders } from './typedoc/names.js'
import { typesAsWritten } from './typedoc/types-as-written.js'

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  name: 'stream-connection-manager',
  includeVersion: true,
  entryPoints: [...entryPoints.values()],
  tsconfig: '../tsconfig.json',
  out: 'reference',
  readme: '../README.md',
  projectDocuments: [
    'getting-started.md',
    'manual.md',
    'hosts.md',
    'transports.md',
    'pressure.md',
    'reconnects.md',
    'protocol.md',
    'errors.md',
    'testing.md',
    'guarantees.md',
    'migrating.md',
    'when-not.md',
    'architecture.md',
    '../CONTRIBUTING.md',
    '../SECURITY.md',
    '../CHANGELOG.md',
  ],
  markdownItLoader: codeInAnchors,
  sort: ['kind', 'source-order'],
  sortEntryPoints: false,
  useFirstParagraphOfCommentAsSummary: true,
  plugin: [namesForReaders, typesAsWritten, documentedFields],
  treatWarningsAsErrors: true,
  // What Error has is no matter of this library.
  excludeExternals: true,
  // What types are made of, and users cannot name.
  intentionallyNotExported: [
    'Answering',
    'Authenticate',
    'ByteFrame',
    'CommandEvent',
    'DefinedStream',
    'EventFields',
    'FakeHooks',
    'HostCommands',
    'HostManager',
    'MessagesOf',
    'MissingStreams',
    'NamesOf',
    'NoRecipient',
    'ObjectFrame',
    'OpaqueTransport',
    'PossibleRecipient',
    'Recipient',
    'RegisterTest',
    'SseResponse',
    'SseWriter',
    'StreamField',
    'StreamNotice',
    'TRADING_STREAMS',
    'UnframedTransport',
    'WireData',
  ],
  validation: { notExported: true, invalidLink: true, invalidPath: true, rewrittenLink: true, notDocumented: true, unusedMergeModuleWith: true },
  // Fields have a plugin of their own.
  requiredToBeDocumented: ['Class', 'Interface', 'TypeAlias', 'Variable', 'Function', 'Method', 'Accessor', 'Enum', 'EnumMember'],
  disableSources: true,
  ignoredHighlightLanguages: ['ebnf'],
}
