import { Converter, ReflectionKind } from 'typedoc'
import { entryPoints } from './entry-points.js'

const HEADING = /^# (.+)$/m

/**
 * A plugin that calls each module as users import it, and each guide by its heading.
 *
 * @param {import('typedoc').Application} app
 */
export function namesForReaders(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getReflectionsByKind(ReflectionKind.Module)) module.name = specifierOf(module, project)
    for (const guide of project.documents ?? []) guide.name = headingOf(guide)
  })
}

/**
 * @param {import('typedoc').Reflection} module
 * @param {import('typedoc').ProjectReflection} project
 */
function specifierOf(module, project) {
  const source = project.getSymbolIdFromReflection(module)?.fileName
  for (const [specifier, path] of entryPoints) if (path === source) return specifier
  throw new Error(`${module.name} is no entry point of the package`)
}

/** @param {import('typedoc').DocumentReflection} guide */
function headingOf({ name, content }) {
  const text = content.map((part) => part.text).join('')
  return HEADING.exec(text)?.[1] ?? name
}
