import { IsString, Length, Matches } from 'class-validator';

export class TopicDto {
  /** Such as `weather/berlin`. */
  @Matches(/^[\w-]+(\/[\w-]+)*$/, { message: 'topic is made of words, with / in between' })
  @Length(1, 100)
  topic!: string;
}

export class PublicationDto extends TopicDto {
  @IsString()
  @Length(1, 1000)
  text!: string;
}
