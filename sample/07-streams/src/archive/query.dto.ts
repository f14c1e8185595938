import { IsString, Length } from 'class-validator';

export class QueryDto {
  @IsString()
  @Length(1, 200)
  text!: string;
}
