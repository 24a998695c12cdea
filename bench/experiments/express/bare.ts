import { serve } from './subject.ts';

await serve((_request, response) => void response.end());
