/** A setting that cannot be used, in words for whoever started the program. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}
