const LANGUAGES: Readonly<Record<string, string>> = {
  py: 'python',
  js: 'javascript',
  mjs: 'javascript',
  ts: 'typescript',
  sh: 'shellscript',
  rb: 'ruby',
  go: 'go',
  jl: 'julia',
  pl: 'perl',
  php: 'php',
  r: 'r',
  lua: 'lua',
};

/** Returns the language ID that VS Code has for a file name. */
export function languageOf(name: string): string {
  return LANGUAGES[name.split('.')[1] ?? ''] ?? 'plaintext';
}
