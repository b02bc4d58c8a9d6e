export async function writeSample(_folder: string): Promise<string[]> {
  return []
}
