import { Application, ReflectionKind } from 'typedoc'

/**
 * A plugin that misses the documentation of a public field. The `notDocumented` validation would do so in anonymous types as well,
 * where a type's own docstring says it all.
 *
 * @param {import('typedoc').Application} app
 */
export function documentedFields(app) {
  app.on(Application.EVENT_VALIDATE_PROJECT, (project) => {
    for (const field of project.getReflectionsByKind(ReflectionKind.Property)) {
      if (isNamed(field.parent) && !field.hasComment()) app.logger.warn(`${field.getFriendlyFullName()} (Property) does not have any documentation`)
    }
  })
}

/** @param {import('typedoc').Reflection | undefined} owner */
function isNamed(owner) {
  return owner?.kindOf([ReflectionKind.Interface, ReflectionKind.Class]) === true
}
