/** What a model did to a prompt besides drawing it. */
export interface Notes {
  /** The end of the prompt, which was beyond what the model reads. */
  truncatedPrompt?: string;
  /** The same of the negative prompt. */
  truncatedNegativePrompt?: string;
  /** Words of the prompt that the model does not know. */
  unknownWords?: string[];
}
